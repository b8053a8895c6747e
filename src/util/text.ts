/** Whether it has no lone surrogate, which UTF-8 cannot express. Not known to the library's types before ES2024. */
export function isWellFormed(text: string): boolean {
	return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
