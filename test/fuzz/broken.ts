/** Thrown by a target whose contract was broken: what should hold, in words. */
export class Broken extends Error {}
