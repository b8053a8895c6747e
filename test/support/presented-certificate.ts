import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyPair } from "../../fixtures/certificates.js";
import type { RawConnection, ServerNode } from "../../fixtures/servers.js";

let written = 0;

/** From now on the running server shows this certificate to whoever connects; connections that exist stay. Servers of this machine only. */
export async function present(server: ServerNode, control: RawConnection, { cert, key }: KeyPair): Promise<void> {
	// A setting that keeps its value is not applied again, whatever is in the file by now.
	const name = `presented-${++written}`;
	const paths = { cert: join(server.dir!, `${name}.pem`), key: join(server.dir!, `${name}-key.pem`) };
	await writeFile(paths.cert, cert, { mode: 0o600 });
	await writeFile(paths.key, key, { mode: 0o600 });
	await control.command("CONFIG", "SET", "tls-cert-file", paths.cert, "tls-key-file", paths.key);
}
