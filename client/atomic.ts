/** The durable write on its own (placeholder). */

export {};
