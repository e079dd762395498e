"""Reload: another configuration comes to serve while requests run, or nothing changes.

In each process a `Reloader` makes it ready beside the one that serves: hooks run, what runs beside requests is started.
Only then it serves, in every worker or in none: `Alone` decides that for one process, the supervisor's `Crew` for
several.
"""
