import { expect, test } from 'vitest'
import { duration } from './format'
import { assessmentFrom, assessmentMessage, costText, spanTime, toneOf, traceFrom, typedValue, valueText } from './trace'

test('a trace as RPCs answer it', () => {
  const trace = traceFrom({
    trace_id: 'tr-1', trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '1' } }, request_time: '2026-11-22T01:16:18.010Z',
    execution_duration: '0.035s', state: 'OK', request_preview: '{"q": 1}',
    trace_metadata: {
      'mlflow.trace.session': 's', 'mlflow.trace.user': 'u', 'mlflow.sourceRun': 'r', 'mlflow.trace.tokenUsage': '{"input_tokens": 120, "output_tokens": 30, "total_tokens": 150}',
      'mlflow.trace.cost': '{"total_cost": 0.0006}', 'mlflow.modelId': 'm-1',
    },
    tags: { 'mlflow.traceName': 'agent', 'mlflow.linkedPrompts': '[{"name": "greet", "version": "2"}]' },
  })
  expect(trace).toMatchObject({
    id: 'tr-1', experiment: '1', name: 'agent', state: 'OK', start: Date.UTC(2026, 10, 22, 1, 16, 18, 10), duration: 35, session: 's', user: 'u', run: 'r', model: 'm-1', cost: 0.0006,
    usage: { input: 120, output: 30, total: 150 }, prompts: [{ name: 'greet', version: '2' }],
  })
  expect(traceFrom(undefined)).toMatchObject({ id: '', state: 'STATE_UNSPECIFIED', duration: undefined, assessments: [] })
  expect(traceFrom({ state: 'x', execution_duration: 3, trace_metadata: { 'mlflow.trace.cost': '{' }, tags: { 'mlflow.linkedPrompts': '{}' } }).cost).toBeUndefined()
})

test('assessments', () => {
  const said = { assessment_id: 'a-1', assessment_name: 'answer', source: { source_type: 'HUMAN', source_id: 'ann' }, last_update_time: '2026-11-22T01:16:19.424Z', valid: true }
  expect(assessmentFrom({ ...said, feedback: { value: true }, rationale: 'fine' })).toMatchObject({ kind: 'feedback', value: true, by: 'ann', rationale: 'fine', valid: true })
  expect(assessmentFrom({ ...said, expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: '{"a": 1}' } } })).toMatchObject({ kind: 'expectation', value: { a: 1 } })
  expect(assessmentFrom({ ...said, feedback: { error: { error_code: 'TIMEOUT', error_message: 'too slow' } }, valid: false })).toMatchObject({ error: 'TIMEOUT: too slow', valid: false })
  expect(assessmentFrom({ ...said, issue: { issue_name: 'rude' } })).toMatchObject({ kind: 'issue', value: 'rude' })
  expect(assessmentFrom(null)).toMatchObject({ id: '', name: '' })
})

test('good and bad', () => {
  const tone = (value: unknown) => toneOf({ value, error: '', kind: 'feedback' })
  expect([true, 'yes', 'Pass', false, 'no', 0.5, 'maybe'].map(tone)).toEqual(['good', 'good', 'good', 'bad', 'bad', undefined, undefined])
  expect(toneOf({ value: true, error: 'x', kind: 'feedback' })).toBe('bad')
  expect(toneOf({ value: false, error: '', kind: 'expectation' })).toBeUndefined()
})

test('what is typed as a value, and how it is written', () => {
  const pairs: [string, unknown][] = [['true', true], [' 0.5 ', 0.5], ['', ''], ['good ', 'good '], ['{"a": [1]}', { a: [1] }], ['{no', '{no'], ['"1"', '1']]
  for (const [typed, value] of pairs) expect(typedValue(typed)).toEqual(value)
  expect([valueText('a'), valueText(1), valueText({ a: 1 }), valueText(undefined), valueText(null)]).toEqual(['a', '1', '{"a":1}', '', 'null'])
})

test('the message of an assessment', () => {
  const made = { name: 'n', kind: 'expectation' as const, value: { a: 1 }, rationale: '', by: '', span: '' }
  expect(assessmentMessage(made)).toEqual({ assessment_name: 'n', source: { source_type: 'HUMAN', source_id: 'default' }, expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: '{"a":1}' } } })
  expect(assessmentMessage({ ...made, kind: 'feedback', value: false, rationale: 'why', by: 'ann', span: 'ab' })).toMatchObject({ feedback: { value: false }, rationale: 'why', span_id: 'ab' })
})

test('money and short times', () => {
  expect([undefined, 0, 0.000612, 0.25, 12.3].map(costText)).toEqual(['', '$0', '$0.00061', '$0.25', '$12.30'])
  expect([0.0004, 0.64, 4.21, 35.2, 3210].map((ms) => spanTime(ms, duration))).toEqual(['0µs', '640µs', '4.2ms', '35ms', '3.2s'])
})
