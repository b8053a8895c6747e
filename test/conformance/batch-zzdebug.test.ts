import { test } from "vitest";
import { moveSlot, nodeOfSlot, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient, BatchError } from "../../src/index.js";
import { Cluster } from "../../src/cluster/cluster.js";
import { keySlot } from "../../src/slot.js";
test("dbg", async () => {
	await using cluster = await startCluster({ primaries: 3 });
	await using client = await createClient({ url: cluster.url, cluster: { minRefreshMs: 50 }, timeouts: { commandMs: 1000 } });
	const keys = Array.from({ length: 12 }, (_, i) => `{red}${i}`);
	const log: string[] = [];
	const oref = Cluster.prototype.refused;
	Cluster.prototype.refused = function (a, e, o) { log.push(`${performance.now().toFixed(2)} client ${a.index} ${o.port} ${e.message} asking=${a.asking} trail=${a.trail.length}`); return oref.call(this, a, e, o); };
	let done = false;
	const slot = keySlot("{red}");
	for (const p of cluster.primaries) { const r = p.raw.bind(p); (p as any).raw = async (...a: any[]) => { const t = performance.now(); try { return await r(...a); } finally { if (a[1] !== "SLOTS" && a[1] !== "INFO") log.push(`${t.toFixed(2)}-${performance.now().toFixed(2)} ${p.port} ${a.join(" ").slice(0, 80)}`); } }; }
	let moves = 0;
	const mover = (async () => { while (!done) { const o = await nodeOfSlot(cluster, slot); const others = cluster.primaries.filter((n) => n !== o);
	await waitUntil("one epoch", async () => { const e = await Promise.all(cluster.primaries.map(async (n) => /cluster_current_epoch:(\d+)/.exec(String(await n.raw("CLUSTER", "INFO")))?.[1])); return new Set(e).size === 1 || e.join(" "); }, { everyMs: 5 });
	await moveSlot(cluster, slot, others[Math.floor(Math.random() * 2)]!); moves++; } })();
	let failed: BatchError | undefined; let i = 0;
	try {
		for (; i < 20000 && !failed; i++) await client.setMany(keys.map((k) => [k, "v"] as const), { chunkSize: 1 }).catch((e) => { failed = e; });
	} finally { 
	console.log("failed", i, moves, failed?.results.map((x) => (x as any).code ?? x).join(" "));
	console.log(client.stats());
	const t0 = performance.now() - 1100;
	console.log(log.filter((s) => Math.abs(Number(s.split(/[- ]/)[0]) - t0) < 200).join("\n"));
	for (const p of cluster.primaries) console.log(await p.raw("CLUSTER", "NODES"));
	done = true; await mover.catch((e) => console.log(e)); }
}, 60000);
