// openai-node against the address in argv: what it prints is compared with what it prints directly.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "k", maxRetries: 0 });
const body = JSON.parse(process.argv[3]);
const seen = [];
if (body.stream) {
  for await (const part of await client.chat.completions.create(body)) seen.push(part);
} else {
  seen.push(await client.chat.completions.create(body));
}
console.log(JSON.stringify(seen));
