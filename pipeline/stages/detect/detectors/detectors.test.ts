import { describe, expect, it } from 'vitest'
import { ALERT_KINDS } from '../../../../schemas/records.ts'
import { defaults } from '../settings.ts'
import { detectorContract } from './detector.contract.ts'
import { DETECTORS } from './index.ts'

describe.each(DETECTORS.map((detector) => [detector.kind, detector] as const))('%s', (_, detector) => {
  detectorContract(detector)
})

describe('the list', () => {
  it('has each kind and each setting once', () => {
    const kinds = DETECTORS.map(({ kind }) => kind)
    expect(new Set(kinds).size).toBe(kinds.length)
    const names = DETECTORS.flatMap(({ settings }) => Object.keys(settings)).concat(Object.keys(defaults))
    expect(new Set(names).size).toBe(names.length)
  })

  it('has those whose order people see', () => {
    expect(DETECTORS.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...ALERT_KINDS]))
  })
})
