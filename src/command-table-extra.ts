/**
 * What is kept by hand beside the table that a server wrote (`command-table-data.ts`), in the same notation:
 * `flags keys policies`, flags `r` read-only, `w` write, `b` blocking; keys as in `KeySpec`; `-` for none.
 */

/** Name -> the keys, and the policies, that replace those of the server's table. `undefined` leaves the server's. */
export const CORRECTIONS: Readonly<Record<string, readonly [keys: string | undefined, policies?: string]>> = {
	// The server calls the keys of these unknown or incomplete and finds them by code of its own.
	SORT: ["!sort"],
	MIGRATE: ["!migrate"],
	// BY and GET patterns name keys too, but only at run time; a cluster refuses those that are not in the key's slot.
	SORT_RO: ["1"],
	// 7.0 has no tips for these: each keeps its state per node, and a cluster is meant as a whole.
	"CONFIG|RESETSTAT": [undefined, "all_nodes/all_succeeded"],
	"CONFIG|REWRITE": [undefined, "all_nodes/all_succeeded"],
	"ACL|SETUSER": [undefined, "all_nodes/all_succeeded"],
	"ACL|DELUSER": [undefined, "all_nodes/all_succeeded"],
	"ACL|SAVE": [undefined, "all_nodes/all_succeeded"],
	"ACL|LOAD": [undefined, "all_nodes/all_succeeded"],
};

/** Name -> the arity of newer servers, where they take more than that of the table. */
export const WIDENED: Readonly<Record<string, number>> = {
	// Redis 7.2: WITHSCORE
	ZRANK: -3,
	ZREVRANK: -3,
};

/** Commands newer than the server's table, and of modules. Their arities are not kept. */
export const ADDED_COMMANDS: readonly (readonly [shape: string, names: string])[] = [
	// Redis 7.2
	["- -", "WAITAOF"],
	// Redis 7.4, Valkey 9: expiry of hash fields
	["w 1", "HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HPERSIST"],
	["r 1", "HTTL HPTTL HEXPIRETIME HPEXPIRETIME"],
	// Redis 8, Valkey 9
	["w 1", "HGETEX HSETEX HGETDEL XACKDEL XDELEX XCFGSET DELEX DELIFEQ"],
	["r 1", "DIGEST"],
	["w 1:#0/1/2", "MSETEX"],
	// Vector sets
	["w 1", "VADD VREM VSETATTR"],
	["r 1", "VCARD VDIM VEMB VGETATTR VINFO VISMEMBER VLINKS VRANDMEMBER VRANGE VSIM"],
	// JSON
	["w 1", "JSON.SET JSON.DEL JSON.FORGET JSON.CLEAR JSON.MERGE JSON.TOGGLE JSON.NUMINCRBY JSON.NUMMULTBY JSON.NUMPOWBY"],
	["w 1", "JSON.STRAPPEND JSON.ARRAPPEND JSON.ARRINSERT JSON.ARRPOP JSON.ARRTRIM"],
	["r 1", "JSON.GET JSON.TYPE JSON.STRLEN JSON.ARRINDEX JSON.ARRLEN JSON.OBJKEYS JSON.OBJLEN JSON.RESP"],
	["r 1:-2", "JSON.MGET"],
	["w 1:-1/3", "JSON.MSET"],
	// Bloom, cuckoo, count-min, top-k
	["w 1", "BF.ADD BF.INSERT BF.LOAD BF.LOADCHUNK BF.MADD BF.RESERVE"],
	["r 1", "BF.CARD BF.EXISTS BF.INFO BF.MEXISTS BF.SCANDUMP"],
	["w 1", "CF.ADD CF.ADDNX CF.COMPACT CF.DEL CF.INSERT CF.INSERTNX CF.LOADCHUNK CF.RESERVE"],
	["r 1", "CF.COUNT CF.EXISTS CF.INFO CF.MEXISTS CF.SCANDUMP"],
	["w 1", "CMS.INCRBY CMS.INITBYDIM CMS.INITBYPROB"],
	["r 1", "CMS.INFO CMS.QUERY"],
	["w 1,2:#0/1/1", "CMS.MERGE TDIGEST.MERGE"],
	["w 1", "TOPK.ADD TOPK.INCRBY TOPK.RESERVE"],
	["r 1", "TOPK.COUNT TOPK.INFO TOPK.LIST TOPK.QUERY"],
	["w 1", "TDIGEST.ADD TDIGEST.CREATE TDIGEST.RESET"],
	["r 1", "TDIGEST.BYRANK TDIGEST.BYREVRANK TDIGEST.CDF TDIGEST.INFO TDIGEST.MAX TDIGEST.MIN TDIGEST.QUANTILE TDIGEST.RANK"],
	["r 1", "TDIGEST.REVRANK TDIGEST.TRIMMED_MEAN"],
	// Time series; those that filter by label have no keys
	["w 1", "TS.ADD TS.ALTER TS.CREATE TS.DECRBY TS.DEL TS.INCRBY"],
	["r 1", "TS.GET TS.INFO TS.RANGE TS.REVRANGE"],
	["w 1:1", "TS.CREATERULE TS.DELETERULE"],
	["w 1:-1/3", "TS.MADD"],
	["r -", "TS.MGET TS.MRANGE TS.MREVRANGE TS.QUERYINDEX"],
	// Search: indexes are no keys, suggestion dictionaries are
	["- -", "FT.AGGREGATE FT.ALIASADD FT.ALIASDEL FT.ALIASUPDATE FT.ALTER FT.CREATE FT.CURSOR FT.DICTADD FT.DICTDEL FT.DICTDUMP"],
	["- -", "FT.DROPINDEX FT.EXPLAIN FT.EXPLAINCLI FT.HYBRID FT.INFO FT.PROFILE FT.SEARCH FT.SPELLCHECK FT.SYNDUMP FT.SYNUPDATE"],
	["- -", "FT.TAGVALS FT._LIST"],
	["w 1", "FT.SUGADD FT.SUGDEL"],
	["r 1", "FT.SUGGET FT.SUGLEN"],
];

/** Newer subcommands, `CONTAINER SUB arity …|SUB arity …`, behind those of the server's table. */
export const ADDED_SUBCOMMANDS = `
CLIENT NO-TOUCH 3|SETINFO 4|CAPA -3|IMPORT-SOURCE 3
CLUSTER MYSHARDID 2|SLOT-STATS -4|MIGRATION -4|MIGRATESLOTS -7|CANCELSLOTMIGRATIONS 2|GETSLOTMIGRATIONS 2|SYNCSLOTS -2|FLUSHSLOT -3
COMMANDLOG GET 4 - - all_nodes|LEN 3 - - all_nodes/agg_sum|RESET 3 - - all_nodes/all_succeeded|HELP 2
SCRIPT SHOW 3
JSON.DEBUG MEMORY 0 r 2|HELP 0
`;
