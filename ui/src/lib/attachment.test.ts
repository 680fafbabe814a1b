import { expect, test } from 'vitest'
import { attachmentOf } from './attachment'

const id = '1fbb1522-d6ef-4bc2-8180-ca41ebdb5240'

test('an attachment says what and where it is', () => {
  expect(attachmentOf(`mlflow-attachment://${id}?content_type=image%2Fpng&trace_id=tr-1&size=8`)).toEqual({ id, trace: 'tr-1', type: 'image/png', size: 8 })
  expect(attachmentOf(`mlflow-attachment://${id}?trace_id=tr-1&size=x`)).toEqual({ id, trace: 'tr-1', type: '', size: undefined })
})

test.each([
  5, null, '', 'https://x', `see mlflow-attachment://${id}?trace_id=t`, `mlflow-attachment://${id}`, 'mlflow-attachment://../../x?trace_id=t', 'mlflow-attachment://',
])('%s is none', (text) => expect(attachmentOf(text)).toBeUndefined())
