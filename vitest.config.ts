import { configDefaults, defineConfig } from 'vitest/config'

const server = ['**/*.kafka.test.ts', '**/*.postgres.test.ts', '**/*.browser.test.ts']

export default defineConfig({
  test: {
    // Ends what hangs. It tells nothing of speed: on a busy machine anything may take many times as long as alone.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    // Most of the waiting is for processes that the tests start: a core each.
    maxWorkers: 2,
    projects: [
      // Needs nothing but npm packages: what `npm test` runs.
      {
        extends: true,
        test: {
          name: 'hermetic',
          // To load the same modules again for each file takes as long as half of the tests.
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
          include: ['**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...server],
        },
      },
      { extends: true, test: { name: 'browser', include: ['**/*.browser.test.ts'] } },
      // Each file starts a PostgreSQL of its own.
      {
        extends: true,
        test: { name: 'postgres', include: ['**/*.postgres.test.ts'] },
      },
      // Kafka with its registry, started once by `infra/services.ts`.
      {
        extends: true,
        test: {
          name: 'kafka',
          include: ['**/*.kafka.test.ts'],
          globalSetup: 'infra/services.ts',
        },
      },
      { extends: true, test: { name: 'chaos', include: ['infra/chaos/*.kafka.test.ts'] } },
    ],
  },
})
