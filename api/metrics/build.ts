import { Gauge, type Registry } from 'prom-client'

/** Which program it is: always 1, with the version as a label. */
export function createBuildMetric(metrics: Registry, version: string): void {
  const build = new Gauge({
    name: 'fcm_build_info',
    help: 'The program that this process runs; the value is always 1.',
    labelNames: ['version', 'node'],
    registers: [metrics],
  })
  build.set({ version, node: process.versions.node }, 1)
}
