// Reads a list of simulations from standard input and writes the outcome of each, as JSON.

import { runSimulation } from "@cloud-copilot/iam-simulate";
import { readFileSync } from "node:fs";

const outcomes = [];
for (const simulation of JSON.parse(readFileSync(0, "utf8"))) {
  const found = await runSimulation(simulation, {});
  outcomes.push(found.overallResult ?? JSON.stringify(found));
}
console.log(JSON.stringify(outcomes));
