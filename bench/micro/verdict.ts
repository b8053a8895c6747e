/** What the decoder owes to the parser that others use, and whether it keeps it. */
import { COPIED, type DecodeSuite, OURS, PLAIN } from "./decode.js";
import type { Row } from "./suite.js";

/** At least as fast on every mix of RESP2 frames, and so much faster on replies over 64 KiB. */
const LARGE_REPLY_BYTES = 64 * 1024;
const LARGE_RATIO = 1.5;

export interface Verdict {
	frames: string;
	cut: string;
	replies: string;
	/** The case of redis-parser whose replies outlive the chunk, as ours do. */
	against: string;
	ratio: number;
	promised: number;
}

export function verdictOf({ name, mix, cut, replies }: DecodeSuite, rows: readonly Row[]): Verdict {
	const ours = rows.find((row) => row.case === OURS);
	const fair = rows.find((row) => row.case === (replies === "buffers" ? COPIED : PLAIN));
	if (ours === undefined || fair === undefined) throw new Error(`${name} lacks a case`);
	const isLarge = mix.replies === 1 && mix.wire.length > LARGE_REPLY_BYTES;
	return {
		frames: mix.name,
		cut,
		replies,
		against: fair.case,
		ratio: ours.ratio / fair.ratio,
		promised: isLarge ? LARGE_RATIO : 1,
	};
}

/** The table, and a sentence for what is below its promise. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
	const header = ["frames", "cut", "replies", "against", "ratio", ""];
	const lines = verdicts.map((it) => [
		it.frames,
		it.cut,
		it.replies,
		it.against,
		it.ratio.toFixed(2),
		it.ratio < it.promised ? `below ${it.promised.toFixed(1)}` : "",
	]);
	const widths = header.map((_, i) => Math.max(...[header, ...lines].map((line) => (line[i] as string).length)));
	const table = [header, ...lines].map((line) =>
		line
			.map((cell, i) => cell.padEnd(widths[i] as number))
			.join("  ")
			.trimEnd(),
	);
	const slower = verdicts.filter(({ ratio }) => ratio < 1).length;
	const below = verdicts.filter(({ ratio, promised }) => ratio < promised).length;
	return `${OURS} against redis-parser\n${table.join("\n")}\n${verdicts.length} compared: ${slower} below 1.0, ${below} below what is promised\n`;
}
