#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// forge asks a compiler for its version and for standard JSON; npm's solc is a JavaScript module.
const solc = require(process.env.SURETY_SOLC);

if (process.argv.includes("--version")) {
  console.log("solc, the solidity compiler commandline interface\nVersion: " + solc.version());
} else {
  const chunks = [];
  process.stdin.on("data", (chunk) => chunks.push(chunk));
  process.stdin.on("end", () => process.stdout.write(solc.compile(Buffer.concat(chunks).toString())));
}
