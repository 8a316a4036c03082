// What htmx does not do: a replay's reply as it comes in, and no correction lost while it is typed.
"use strict";

document.addEventListener("submit", event => {
  if (!event.target.matches("form.replay")) return;
  event.preventDefault();
  replay(event.target);
});

async function replay(form) {
  const panel = form.parentElement.querySelector(".replayed");
  const words = panel.querySelector(".said");
  const problem = panel.querySelector(".error");
  const button = form.querySelector("button");
  panel.hidden = false;
  problem.hidden = true;
  words.textContent = "";
  button.disabled = true;
  const say = text => { problem.textContent = text; problem.hidden = false; };
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.redirected) location.assign(answer.url);
    else if (!answer.ok) say(`Not replayed (${answer.status}).`);
    else if (!await pour(answer.body, words, say)) say("The reply broke off.");
  } catch {
    say("The server could not be reached.");
  } finally {
    button.disabled = false;
  }
}

// Lines of JSON into the panel, as text; whether the last one came.
async function pour(body, words, say) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let done = false;
  for (;;) {
    const piece = await reader.read();
    if (piece.done) return done;
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const said = JSON.parse(line);
      if (said.text) words.append(said.text);
      if (said.error) say(said.error);
      done = done || Boolean(said.done);
    }
  }
}

// The ledger beside the chat is drawn anew with each turn, but not under someone's hands.
document.addEventListener("htmx:oobBeforeSwap", event => {
  if (event.detail.target.querySelector("details.edit[open]")) event.detail.shouldSwap = false;
});
