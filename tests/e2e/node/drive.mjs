// What the checks share: each is run, and what came of all is printed as one JSON object.

import { readFileSync } from "node:fs";

export const { BASE_URL, API_KEY, MODEL, TOOL_MODEL = MODEL } = process.env;
for (const name of ["BASE_URL", "API_KEY", "MODEL"]) {
  if (!process.env[name]) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
}

export const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
export const weather = { name: "weather", description: "Tells the weather.", parameters };

// What an SDK made of a refusal: its class, and what it carries.
export async function refused(call) {
  try {
    await call();
  } catch (error) {
    const { status, code, statusCode } = error;
    return { class: error.name === "Error" ? error.constructor.name : error.name, status: status ?? statusCode, code, message: error.message };
  }
  throw new Error("it was not refused");
}

export async function drive(packageName, checks) {
  const results = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      results[name] = { ok: true, ...(await check()) };
    } catch (error) {
      results[name] = { ok: false, error: error.constructor.name, message: error.message, status: error.status };
    }
  }
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${packageName}/package.json`, import.meta.url), "utf8"));
  console.log(JSON.stringify({ sdk: version, node: process.version, results }, null, 2));
  process.exit(Object.values(results).every((result) => result.ok) ? 0 : 1);
}
