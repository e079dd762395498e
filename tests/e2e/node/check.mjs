// Drives a gateway with the official OpenAI SDK for Node: BASE_URL, API_KEY and MODEL in, one JSON object of results out.
//
// Each result is {ok: true, ...what came} or {ok: false, error, message, status}. TOOL_MODEL: a model that calls tools
// (default MODEL). Exit code 0 where every check ran through; what came is for the caller to judge.

import { readFileSync } from "node:fs";
import OpenAI, * as sdk from "openai";

const { BASE_URL, API_KEY, MODEL, TOOL_MODEL = MODEL } = process.env;
for (const name of ["BASE_URL", "API_KEY", "MODEL"]) {
  if (!process.env[name]) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
}

const client = new OpenAI({ baseURL: BASE_URL, apiKey: API_KEY, maxRetries: 0, timeout: 30_000 });
const messages = [{ role: "user", content: "Say hello." }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const weather = { name: "weather", description: "Tells the weather.", parameters };

const checks = {
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids };
  },

  async model() {
    const { id, object } = await client.models.retrieve(MODEL);
    return { id, object };
  },

  async chat() {
    const reply = await client.chat.completions.create({ model: MODEL, messages });
    const [choice] = reply.choices;
    return { id: reply.id, model: reply.model, text: choice.message.content, finish: choice.finish_reason, usage: reply.usage };
  },

  async chat_stream() {
    const stream = await client.chat.completions.create({
      model: MODEL, messages, stream: true, stream_options: { include_usage: true },
    });
    const came = { chunks: 0, text: "", finish: null, usage: null };
    for await (const chunk of stream) {
      came.chunks += 1;
      came.text += chunk.choices[0]?.delta?.content ?? "";
      came.finish = chunk.choices[0]?.finish_reason ?? came.finish;
      came.usage = chunk.usage ?? came.usage;
    }
    return came;
  },

  async chat_stream_left_early() {
    const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
    for await (const chunk of stream) {
      stream.controller.abort();
      return { first: chunk.object };
    }
    return { first: null };
  },

  async chat_runner() {
    const runner = client.chat.completions.stream({ model: MODEL, messages });
    return { text: await runner.finalContent() };
  },

  async chat_tools() {
    const reply = await client.chat.completions.create({
      model: TOOL_MODEL, messages, tools: [{ type: "function", function: weather }],
    });
    const [choice] = reply.choices;
    return { finish: choice.finish_reason, calls: choice.message.tool_calls ?? [], text: choice.message.content };
  },

  async chat_tools_stream() {
    const runner = client.chat.completions.stream({
      model: TOOL_MODEL, messages, tools: [{ type: "function", function: weather }],
    });
    const { choices: [choice] } = await runner.finalChatCompletion();
    return { finish: choice.finish_reason, calls: choice.message.tool_calls ?? [], text: choice.message.content };
  },

  async responses() {
    const reply = await client.responses.create({ model: MODEL, input: "Say hello." });
    return { id: reply.id, model: reply.model, status: reply.status, text: reply.output_text, usage: reply.usage };
  },

  async responses_stream() {
    const stream = await client.responses.create({ model: MODEL, input: "Say hello.", stream: true });
    const came = { types: [], numbers: [], text: "", status: null };
    for await (const event of stream) {
      came.types.push(event.type);
      came.numbers.push(event.sequence_number);
      if (event.type === "response.output_text.delta") came.text += event.delta;
      if (event.type === "response.completed") came.status = event.response.status;
    }
    return came;
  },

  async responses_runner() {
    const runner = client.responses.stream({ model: MODEL, input: "Say hello." });
    return { text: (await runner.finalResponse()).output_text };
  },

  async responses_tools() {
    const tools = [{ type: "function", strict: false, ...weather }];
    const reply = await client.responses.create({ model: TOOL_MODEL, input: "Say hello.", tools });
    return { kinds: reply.output.map((item) => item.type), tools: reply.tools.map((tool) => tool.name) };
  },

  unknown_model: () => refused(() => client.chat.completions.create({ model: "no-such-model", messages })),
  unknown_model_stream: () => refused(() => client.chat.completions.create({ model: "no-such-model", messages, stream: true })),
  unknown_model_responses: () => refused(() => client.responses.create({ model: "no-such-model", input: "Hi" })),
  bad_call: () => refused(() => client.chat.completions.create({ model: MODEL, messages: "not a list" })),
  bad_key: () => refused(() => client.withOptions({ apiKey: "sk-wrong" }).chat.completions.create({ model: MODEL, messages })),
};

// What the SDK made of a refusal: its class, and what it carries.
async function refused(call) {
  try {
    await call();
  } catch (error) {
    const kind = Object.keys(sdk).find((name) => name.endsWith("Error") && error.constructor === sdk[name]);
    const { status, code, type, param } = error;
    return { class: kind ?? error.constructor.name, status, code, type, param, message: error.message };
  }
  throw new Error("it was not refused");
}

const results = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    results[name] = { ok: true, ...(await check()) };
  } catch (error) {
    results[name] = { ok: false, error: error.constructor.name, message: error.message, status: error.status };
  }
}
const { version } = JSON.parse(readFileSync(new URL("node_modules/openai/package.json", import.meta.url), "utf8"));
console.log(JSON.stringify({ sdk: version, node: process.version, results }, null, 2));
process.exit(Object.values(results).every((result) => result.ok) ? 0 : 1);
