import { expect, test } from 'vitest'
import { firstLine } from './text'

test('the first line that says something', () => {
  expect(firstLine('\n\n## **Churn**, see [plan](x)\nmore')).toBe('Churn, see plan')
})
