/** Settings as flags of a command. */
import type { Command } from 'commander'
import { type Config, settings } from '../app/config.ts'

/** Adds the flags of these settings to a command. */
export function withSettings(command: Command, names: readonly (keyof Config)[]): Command {
  for (const [name, { flag, env, description, default: fallback, minimum }] of settings) {
    if (!flag || !names.includes(name)) continue
    const facts = [
      env,
      ...(fallback === undefined ? [] : [`default ${fallback}`]),
      ...(minimum === undefined || minimum === 0 ? [] : [`at least ${minimum}`]),
    ]
    command.option(flag, `${description} [${facts.join(', ')}]`)
  }
  return command
}
