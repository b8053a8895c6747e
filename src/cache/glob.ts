/** Patterns as servers understand them. */

/** The pattern that means `text` itself. */
export function escapeGlob(text: string): string {
	return text.replace(/[*?[\]\\]/g, "\\$&");
}
