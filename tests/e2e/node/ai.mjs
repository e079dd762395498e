// Drives a gateway with the AI SDK, through each of its providers: BASE_URL (without /v1), API_KEY and MODEL in, JSON out.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenResponses } from "@ai-sdk/open-responses";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { API_KEY, BASE_URL, MODEL, TOOL_MODEL, drive, parameters, refused } from "./drive.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const providers = {
  chat: (apiKey) => createOpenAI({ baseURL: `${BASE_URL}/v1`, apiKey }).chat,
  responses: (apiKey) => createOpenAI({ baseURL: `${BASE_URL}/v1`, apiKey }).responses,
  compatible: (apiKey) => createOpenAICompatible({ name: "gateway", baseURL: `${BASE_URL}/v1`, apiKey, includeUsage: true }),
  open_responses: (apiKey) => createOpenResponses({ name: "gateway", url: `${BASE_URL}/v1/responses`, apiKey }),
  messages: (apiKey) => createAnthropic({ baseURL: `${BASE_URL}/v1`, apiKey }),
  gemini: (apiKey) => createGoogleGenerativeAI({ baseURL: `${BASE_URL}/v1beta`, apiKey }),
};
const prompt = "Say hello.";
const tools = { weather: tool({ description: "Tells the weather.", inputSchema: jsonSchema(parameters) }) };

const checks = {};
for (const [name, provider] of Object.entries(providers)) {
  const model = provider(API_KEY);
  checks[`${name}_text`] = async () => {
    const { text, finishReason, usage } = await generateText({ model: model(MODEL), prompt, maxRetries: 0 });
    return { text, finishReason, output: usage.outputTokens };
  };
  checks[`${name}_stream`] = async () => {
    const result = streamText({ model: model(MODEL), prompt, maxRetries: 0, onError: () => {} });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    return { text, finishReason: await result.finishReason, output: (await result.usage).outputTokens };
  };
  checks[`${name}_tools`] = async () => {
    const { finishReason, toolCalls } = await generateText({ model: model(TOOL_MODEL), prompt, tools, maxRetries: 0 });
    return { finishReason, calls: toolCalls.map((call) => call.toolName) };
  };
  checks[`${name}_unknown_model`] = () => refused(() => generateText({ model: model("no-such-model"), prompt, maxRetries: 0 }));
  checks[`${name}_bad_key`] = () => refused(() => generateText({ model: provider("sk-wrong")(MODEL), prompt, maxRetries: 0 }));
}
await drive("ai", checks);
