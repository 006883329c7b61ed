import { expect, test } from 'vitest'
import { BASE } from '../../common/time.ts'
import { simulate } from '../../models/simulation/simulate.ts'
import { toHubJson } from './hub-json.ts'
import { parseHubMessage } from './hub-message.ts'

test('what it writes is read back as it was', () => {
  const start = Date.UTC(2026, 0, 5)
  const kinds = new Set<string>()
  for (const { start: bin, messages } of simulate({ seed: 1, start, liveAt: start })) {
    if (bin >= start + 100 * BASE) break
    for (const message of messages) {
      kinds.add(message.type)
      const read = parseHubMessage(JSON.parse(JSON.stringify(toHubJson(message))))
      // Texts may hold NUL, which is replaced when a message comes in.
      if (message.type === 'cast')
        expect(read).toEqual({ ...message, text: message.text.replaceAll('\0', '\ufffd') })
      else expect(read).toEqual(message)
    }
  }
  expect([...kinds].sort()).toEqual(['cast', 'cast-removed', 'reaction', 'reaction-removed'])
})
