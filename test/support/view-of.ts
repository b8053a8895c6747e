/** The same object, but for some of its members. */
export function viewOf<T extends object>(target: T, members: Partial<T>): T {
	return new Proxy(target, {
		get(_, name) {
			if (Object.hasOwn(members, name)) return Reflect.get(members, name);
			const value = Reflect.get(target, name);
			return typeof value === "function" ? value.bind(target) : value;
		},
	});
}
