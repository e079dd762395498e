// Drives a gateway with the official Google SDK for Node: BASE_URL (without a version), API_KEY and MODEL in, JSON out.

import { GoogleGenAI } from "@google/genai";
import { API_KEY, BASE_URL, MODEL, TOOL_MODEL, drive, refused, weather } from "./drive.mjs";

const open = (apiKey) => new GoogleGenAI({ apiKey, vertexai: false, httpOptions: { baseUrl: BASE_URL } });
const client = open(API_KEY);
const asked = { model: MODEL, contents: "Say hello." };
const config = { tools: [{ functionDeclarations: [{ name: weather.name, description: weather.description, parametersJsonSchema: weather.parameters }] }] };

async function joined(stream) {
  const came = { chunks: 0, text: "", finish: null, calls: [], usage: null };
  for await (const chunk of stream) {
    came.chunks += 1;
    for (const part of chunk.candidates?.[0]?.content?.parts ?? []) came.text += part.text ?? "";
    came.calls.push(...(chunk.functionCalls ?? []).map((call) => call.name));
    came.finish = chunk.candidates?.[0]?.finishReason ?? came.finish;
    came.usage = chunk.usageMetadata ?? came.usage;
  }
  return came;
}

await drive("@google/genai", {
  async generate() {
    const reply = await client.models.generateContent(asked);
    return { text: reply.text, finish: reply.candidates[0].finishReason, usage: reply.usageMetadata };
  },
  stream: async () => joined(await client.models.generateContentStream(asked)),
  async tools() {
    const reply = await client.models.generateContent({ ...asked, model: TOOL_MODEL, config });
    return { calls: reply.functionCalls.map((call) => call.name) };
  },
  tools_stream: async () => joined(await client.models.generateContentStream({ ...asked, model: TOOL_MODEL, config })),
  count: async () => ({ total: (await client.models.countTokens(asked)).totalTokens }),
  async models() {
    const names = [];
    for await (const model of await client.models.list()) names.push(model.name);
    return { names, one: (await client.models.get({ model: "echo/echo" })).name };
  },
  unknown_model: () => refused(() => client.models.generateContent({ ...asked, model: "no-such-model" })),
  bad_key: () => refused(() => open("sk-wrong").models.generateContent(asked)),
});
