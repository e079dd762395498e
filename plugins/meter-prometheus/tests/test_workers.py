"""Several real processes, each of which must answer for all."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families


class Worker:
    def __init__(self, run_dir):
        environ = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            env={**environ, "GATEWAY_RUN_DIR": str(run_dir)} if run_dir else environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return base64.b64decode(self.process.stdout.readline()).decode()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def start():
    workers = []

    def one(run_dir):
        workers.append(Worker(run_dir))
        return workers[-1]

    yield one
    for worker in workers:
        worker.close()


def value(text, name):
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]
    return sum(found) if found else None


def test_each_worker_answers_for_all(start, tmp_path):
    one, two = start(tmp_path), start(tmp_path)
    for worker, times in ((one, 2), (two, 3)):
        for _ in range(times):
            worker.tell("start")
            worker.tell("record")
    one.tell("start")
    for worker in (one, two):
        text = worker.tell("scrape")
        assert value(text, "gateway_requests_total") == 5
        assert value(text, "gateway_requests_in_flight") == 1
        assert value(text, "gateway_request_duration_seconds_count") == 5
    assert list((tmp_path / "prometheus").glob("*.db"))


def test_what_a_dead_worker_counted_stays_and_what_it_ran_is_gone(start, tmp_path):
    one, two = start(tmp_path), start(tmp_path)
    one.tell("start")
    one.tell("record")
    one.tell("start")
    two.tell("start")
    assert value(two.tell("scrape"), "gateway_requests_in_flight") == 2
    one.kill()
    text = two.tell("scrape")
    assert value(text, "gateway_requests_in_flight") == 1
    assert value(text, "gateway_requests_total") == 1


def test_a_process_alone_has_process_metrics(start):
    text = start(None).tell("scrape")
    assert value(text, "python_info") == 1


def test_several_processes_leave_no_process_metrics(start, tmp_path):
    assert value(start(tmp_path).tell("scrape"), "python_info") is None


def test_what_is_counted_in_a_loop_is_told_soon_and_at_the_end(start, tmp_path):
    one, two = start(tmp_path), start(tmp_path)
    one.tell("serve")
    while value(two.tell("scrape"), "gateway_requests_total") is None:
        pass
    one.tell("serve and stop")
    assert value(two.tell("scrape"), "gateway_requests_total") == 2
