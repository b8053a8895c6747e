/** Workloads in words. */
import { type Call, formatBytes, type Topology, type Workload } from "../../src/cli/bench/workload.js";

export const topologyTitles: Record<Topology, string> = {
	standalone: "One server",
	"cluster-3": "Cluster of 3 primaries",
	"cluster-6": "Cluster of 6 primaries",
	"cluster-12": "Cluster of 12 primaries",
};

/** `GET 512 B, 256 in flight`, `MGET 128 × 2 KiB, tagged keys`. Without the topology. */
export function describe({ call, keys, valueBytes, inFlight, topology, tagged, replies, tls }: Workload): string {
	const size = formatBytes(valueBytes).replace(/(?:[KM]i)?B$/, " $&");
	const what: Record<Call, string> = {
		get: `GET ${size}`,
		getInto: `getInto ${size}`,
		set: `SET ${size}`,
		mget: `MGET ${keys} × ${size}`,
		setMany: `${keys} × SET EX ${size}`,
		concurrent: `${keys} concurrent GETs of ${size}`,
		loop: `${keys} awaited GETs of ${size}`,
	};
	const parts = [what[call]];
	if (keys === 1) parts.push(`${inFlight} in flight`);
	if (topology !== "standalone") parts.push(tagged ? "tagged keys" : "untagged keys");
	if (replies === "strings") parts.push("strings");
	if (tls) parts.push("TLS");
	return parts.join(", ");
}
