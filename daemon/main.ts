/** The daemon's composition root (placeholder). */

export async function main(): Promise<void> {}
