import { MemoryBackend } from "../../../src/cache/memory-backend.js";
import { backendContract } from "../../support/backend-contract.js";

backendContract("memory", { make: (options) => new MemoryBackend(options), shared: false });
