/** `slotwire/session`: sessions that all processes share. */
export type { CreateOptions, GetOptions, SessionStoreOptions } from "./session-options.js";
export { type SessionId, type SessionPatch, type SessionStats, SessionStore } from "./session-store.js";
