/**
 * What every backend does, whatever it stands on: one suite for all of them. Each clause is a test of its own, named by the item of the design
 * that asks for it.
 */
import { describe } from "vitest";
import { badInputContract } from "./backend-contract/bad-input.js";
import { connectionContract } from "./backend-contract/connection.js";
import { figuresContract } from "./backend-contract/figures.js";
import { manyKeysContract } from "./backend-contract/many-keys.js";
import { metadataContract } from "./backend-contract/metadata.js";
import { queriesContract } from "./backend-contract/queries.js";
import type { Subject } from "./backend-contract/subject.js";
import { timesToLiveContract } from "./backend-contract/times-to-live.js";
import { valuesContract } from "./backend-contract/values.js";

/** @param name of the backend, and of what it stands on */
export function backendContract(name: string, subject: Subject): void {
	describe(`the contract of backends, ${name}`, () => {
		connectionContract(subject);
		valuesContract(subject);
		timesToLiveContract(subject);
		metadataContract(subject);
		manyKeysContract(subject);
		queriesContract(subject);
		badInputContract(subject);
		figuresContract(subject);
	});
}
