/** Failures of the client as those who use a cache see them. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
	CacheBatchError,
	CacheConnectionError,
	CacheError,
	CacheOperationError,
	CacheTimeoutError,
	cacheError,
	isConnectionError,
} from "../../../src/cache/errors.js";
import { BatchError, ClientError, InvalidArgumentError, InvalidOptionError, ReplyError } from "../../../src/errors.js";

describe("errors of a cache", () => {
	test.each([
		"CONNECTION",
		"CLOSED",
		"CLUSTER",
		"AUTH",
		"OVERLOADED",
		"PROTOCOL",
	])("S3.6 %s: the store cannot be asked", (code) => {
		const cause = new ClientError(code, "why");
		const error = cacheError(cause);
		expect(error).toBeInstanceOf(CacheConnectionError);
		expect(error).not.toBeInstanceOf(CacheTimeoutError);
		expect(error).toMatchObject({ name: "CacheConnectionError", code, message: "why", cause });
		expect(isConnectionError(error)).toBe(true);
	});

	test.each([
		"LOADING",
		"CLUSTERDOWN",
		"MASTERDOWN",
		"READONLY",
		"TRYAGAIN",
		"NOAUTH",
		"WRONGPASS",
	])("S3.6 -%s: the store cannot be asked now", (code) => {
		expect(cacheError(new ReplyError(`${code} because`))).toBeInstanceOf(CacheConnectionError);
	});

	test("S3.6 TIMEOUT is a connection error of its own, and says whether the command may have been executed", () => {
		for (const maybeExecuted of [true, false]) {
			const cause = Object.assign(new ClientError("TIMEOUT", "late"), { maybeExecuted });
			expect(cacheError(cause)).toMatchObject({ name: "CacheTimeoutError", code: "TIMEOUT", maybeExecuted, cause });
		}
		expect("maybeExecuted" in cacheError(new ClientError("TIMEOUT", "late"))).toBe(false);
		expect(cacheError(new ClientError("TIMEOUT", "late"))).toBeInstanceOf(CacheConnectionError);
	});

	test.each([
		"OOM",
		"NOPERM",
		"WRONGTYPE",
		"MISCONF",
		"NOREPLICAS",
		"BUSY",
		"ERR",
	])("S3.6 -%s: it was asked, and refused", (code) => {
		const error = cacheError(new ReplyError(`${code} because`));
		expect(error).toBeInstanceOf(CacheOperationError);
		expect(error).toMatchObject({ name: "CacheOperationError", code });
		expect(isConnectionError(error)).toBe(false);
	});

	test("S3.6 what the caller did wrong stays the caller's", () => {
		for (const error of [
			new InvalidArgumentError(1, "a"),
			new InvalidOptionError("f", "b"),
			new ClientError("ABORTED", "c"),
			new ClientError("CROSSSLOT", "d"),
		]) {
			expect(cacheError(error)).toBe(error);
		}
	});

	test("S3.6 everything is one kind of error, made once", () => {
		const error = cacheError(new TypeError("a value: hunter2"));
		expect(error).toBeInstanceOf(CacheError);
		expect(error).toBeInstanceOf(ClientError);
		expect(error.message).not.toContain("hunter2");
		expect(cacheError(error)).toBe(error);
	});

	test("S0.16 a batch keeps what worked, which no log shows", () => {
		const cause = new BatchError<unknown>(["hunter2", new ReplyError("OOM no"), new ClientError("CONNECTION", "gone")]);
		const error = cacheError(cause) as CacheBatchError;
		expect(error).toBeInstanceOf(CacheBatchError);
		expect(error).toBeInstanceOf(CacheOperationError);
		expect(error.results[0]).toBe("hunter2");
		expect(error.results[1]).toMatchObject({ name: "CacheOperationError", code: "OOM" });
		expect(error.results[2]).toMatchObject({ name: "CacheConnectionError", code: "CONNECTION" });
		expect(isConnectionError(error)).toBe(true);
		expect(inspect(error, { depth: 9 })).not.toContain("hunter2");
		expect(JSON.stringify(error)).not.toContain("hunter2");
	});

	test("S0.16 a batch of which nothing was answered is one connection error", () => {
		const gone = (): ClientError => new ClientError("CONNECTION", "gone");
		expect(cacheError(new BatchError([gone(), gone()]))).toMatchObject({ name: "CacheConnectionError", code: "CONNECTION" });
		const refused = cacheError(new BatchError([new ReplyError("OOM a"), new ReplyError("OOM b")]));
		expect(refused).toMatchObject({ name: "CacheBatchError", code: "BATCH" });
		expect(isConnectionError(refused)).toBe(false);
		expect(cacheError(new BatchError([new ReplyError("OOM a")]))).toMatchObject({ name: "CacheOperationError", code: "OOM" });
	});
});
