import { expect, test } from "vitest";
import { collect } from "../collect.js";
import { backendOf, type Subject, textOf } from "./subject.js";

export function connectionContract(subject: Subject): void {
	test("S3.2 S1.1 connect(), ping() and health() say that it is there", async () => {
		await using backend = backendOf(subject);
		await backend.connect();
		expect(backend.isConnected).toBe(true);
		expect(await backend.ping()).toBe(true);
		const health = await backend.health();
		expect(health).toMatchObject({ ok: true, error: null, latencyMs: expect.any(Number) });
		expect(health.latencyMs).toBeGreaterThanOrEqual(0);
		expect(backend.stats().connected).toBe(true);
		await backend.connect();
		expect(backend.isConnected).toBe(true);
	});

	test("S3.2 S1.18 after disconnect() a call connects again, and finds what was stored", async () => {
		await using backend = backendOf(subject);
		await backend.set("kept", "value");
		expect(backend.isConnected).toBe(true);
		await backend.disconnect();
		expect(backend.isConnected).toBe(false);
		expect(backend.stats().connected).toBe(false);
		await backend.disconnect();
		expect(await textOf(backend, "kept")).toBe("value");
		expect(backend.isConnected).toBe(true);
		await backend.disconnect();
		await backend.connect();
		expect(await backend.exists("kept")).toBe(true);
	});

	test("S3.2 every call connects by itself", async () => {
		const calls = {
			get: (backend) => backend.get("k"),
			getEntry: (backend) => backend.getEntry("k"),
			set: (backend) => backend.set("k", "v"),
			delete: (backend) => backend.delete("k"),
			exists: (backend) => backend.exists("k"),
			getMany: (backend) => backend.getMany(["k"]),
			getManyMap: (backend) => backend.getManyMap(["k"]),
			setMany: (backend) => backend.setMany([{ key: "k", value: "v" }]),
			deleteMany: (backend) => backend.deleteMany(["k"]),
			keys: (backend) => backend.keys(),
			scan: (backend) => collect(backend.scan()),
			entries: (backend) => collect(backend.entries()),
			count: (backend) => backend.count(),
			clear: (backend) => backend.clear(),
			ping: (backend) => backend.ping(),
			health: (backend) => backend.health(),
		} satisfies Record<string, (backend: ReturnType<typeof backendOf>) => Promise<unknown>>;
		for (const [name, call] of Object.entries(calls)) {
			await using backend = backendOf(subject);
			await backend.disconnect();
			await call(backend);
			expect([name, backend.isConnected]).toEqual([name, true]);
		}
	});

	test("S3.2 at the end of its scope it is disconnected", async () => {
		const backend = backendOf(subject);
		{
			await using scoped = backend;
			await scoped.connect();
		}
		expect(backend.isConnected).toBe(false);
	});
}
