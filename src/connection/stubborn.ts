import type { ClientError } from "../errors.js";

const CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

/** Whether the next attempt to connect will fail alike: certificates and transports do not change by themselves. */
export function isStubborn({ cause }: ClientError): boolean {
	const errors: unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
	return errors.some((error) => CODES.test(String((error as NodeJS.ErrnoException | undefined)?.code ?? "")));
}
