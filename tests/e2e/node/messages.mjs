// Drives a gateway with the official Anthropic SDK for Node: BASE_URL (without /v1), API_KEY and MODEL in, JSON out.

import Anthropic from "@anthropic-ai/sdk";
import { API_KEY, BASE_URL, MODEL, TOOL_MODEL, drive, parameters, refused } from "./drive.mjs";

const client = new Anthropic({ baseURL: BASE_URL, apiKey: API_KEY, maxRetries: 0, timeout: 30_000 });
const messages = [{ role: "user", content: "Say hello." }];
const asked = { model: MODEL, max_tokens: 100, messages };
const tools = [{ name: "weather", description: "Tells the weather.", input_schema: parameters }];
const textOf = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const callsOf = (message) => message.content.filter((block) => block.type === "tool_use").map((block) => block.name);

await drive("@anthropic-ai/sdk", {
  async message() {
    const reply = await client.messages.create(asked);
    return { text: textOf(reply), stop: reply.stop_reason, model: reply.model, usage: reply.usage };
  },
  async stream() {
    const stream = client.messages.stream(asked);
    const types = [];
    stream.on("streamEvent", (event) => types.push(event.type));
    const reply = await stream.finalMessage();
    return { text: textOf(reply), stop: reply.stop_reason, usage: reply.usage, first: types[0], last: types.at(-1) };
  },
  async tools() {
    const reply = await client.messages.create({ ...asked, model: TOOL_MODEL, tools });
    return { stop: reply.stop_reason, calls: callsOf(reply) };
  },
  async tools_stream() {
    const reply = await client.messages.stream({ ...asked, model: TOOL_MODEL, tools }).finalMessage();
    return { stop: reply.stop_reason, calls: callsOf(reply) };
  },
  count: async () => await client.messages.countTokens({ model: MODEL, messages }),
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids, one: (await client.models.retrieve("echo/echo")).id };
  },
  unknown_model: () => refused(() => client.messages.create({ ...asked, model: "no-such-model" })),
  unknown_model_stream: () => refused(() => client.messages.create({ ...asked, model: "no-such-model", stream: true })),
  bad_call: () => refused(() => client.messages.create({ ...asked, messages: "not a list" })),
  bad_key: () => refused(() => new Anthropic({ baseURL: BASE_URL, apiKey: "sk-wrong", maxRetries: 0 }).messages.create(asked)),
});
