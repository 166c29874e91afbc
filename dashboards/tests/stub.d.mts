export const CSP: string;
export function start(port?: number): Promise<{ state: unknown; port: number; close: () => void }>;
