import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError } from "../errors.js";
import type { ExpiringCredentials, Settings } from "../options.js";

/** Of Node's own errors, such as ECONNREFUSED, EAI_AGAIN and ERR_TLS_CERT_ALTNAME_INVALID. */
const SYSTEM_CODE = /^E(AI_)?[A-Z]{3,20}$|^ERR_[A-Z_]{3,60}$/;

/**
 * The credentials for one connection to `node`, asked anew of a provider each time.
 * @throws AUTH when the provider fails; TIMEOUT when it has not answered within `connectMs`
 */
export async function credentialsFor(node: Endpoint, settings: Settings): Promise<ExpiringCredentials | undefined> {
	const { auth } = settings;
	if (typeof auth !== "function") return auth;
	try {
		return checked(node, await within(settings.timeouts.connectMs, node, auth));
	} catch (error) {
		const failure =
			error instanceof ProviderError
				? error
				: new ProviderError("AUTH", `${formatEndpoint(node)}: the credential provider failed${codeOf(error)}`);
		settings.teller.report("credentials", failure);
		throw failure;
	}
}

const KNOWN: ReadonlySet<string> = new Set(["username", "password", "expiresInMs"]);

function checked(node: Endpoint, credentials: unknown): ExpiringCredentials {
	const { username, password, expiresInMs } = Object(credentials) as Record<keyof ExpiringCredentials, unknown>;
	const gave = `${formatEndpoint(node)}: the credential provider gave`;
	// Else it would go on as the default user, whom nobody meant. An empty object says that this node asks for none.
	const fields = Object.keys(Object(credentials));
	if (credentials == null || (fields.length > 0 && !fields.some((field) => KNOWN.has(field)))) {
		throw new ProviderError("AUTH", `${gave} neither username nor password`);
	}
	if (!isText(username) || !isText(password)) {
		throw new ProviderError("AUTH", `${gave} a user name or password that is no string`);
	}
	if (expiresInMs !== undefined && !(typeof expiresInMs === "number" && expiresInMs > 0)) {
		throw new ProviderError("AUTH", `${gave} an expiresInMs that is no positive number`);
	}
	return credentials as ExpiringCredentials;
}

/** Made here: nothing in it is the provider's. */
class ProviderError extends ClientError {}

/** What the provider gives, or the end of its time; 0: it has all the time it takes. */
function within(
	timeoutMs: number,
	node: Endpoint,
	provider: (node: Endpoint) => ExpiringCredentials | Promise<ExpiringCredentials>,
): Promise<ExpiringCredentials> {
	return new Promise((resolve, reject) => {
		const late = (): void => {
			const message = `${formatEndpoint(node)}: the credential provider did not answer within ${timeoutMs} ms`;
			reject(new ProviderError("TIMEOUT", message));
		};
		// Nobody tells it that the client was destroyed meanwhile, so it must not keep the process alive.
		const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs).unref() : undefined;
		new Promise<ExpiringCredentials>((give) => give(provider(node))).then(resolve, reject).finally(() => clearTimeout(timer));
	});
}

/** A provider's own error may hold what it was about to give, or a token of its own: nothing of it is passed on but a code like ETIMEDOUT. */
function codeOf(error: unknown): string {
	const { code } = Object(error) as { code?: unknown };
	return typeof code === "string" && SYSTEM_CODE.test(code) ? ` (${code})` : "";
}

function isText(value: unknown): boolean {
	return value === undefined || typeof value === "string";
}
