import { describe, expect, test } from 'vitest'
import { modelFile, signatureRows, typeText } from './mlmodel'

const FILE = `artifact_path: mlflow-artifacts:/1/models/m-1/artifacts
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    python_version: 3.11.7
  sklearn:
    code: null
    skops_trusted_types:
    - sklearn.tree._tree.Tree
    - other
    sklearn_version: 1.9.1
is_signature_from_type_hint: false
mlflow_version: 3.17.2
model_size_bytes: 14690
saved_input_example_info:
  artifact_path: input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "long", "name": "tenure", "required": true}, {"type": "long",
    "name": "calls", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "bool", "shape": [-1]}}]'
  params: null
utc_time_created: '2026-11-21 21:51:06.141144'
`

describe('an MLmodel file', () => {
  test('says what the model takes and gives, also over broken lines', () => {
    const file = modelFile(FILE)
    expect(file?.signature?.inputs).toEqual([
      { name: 'tenure', type: 'long', required: true },
      { name: 'calls', type: 'long', required: false },
    ])
    expect(file?.signature?.outputs).toEqual([{ name: '', type: 'bool[-1]', required: true }])
    expect(file?.signature?.params).toEqual([])
  })

  test('says size, flavors and versions', () => {
    const file = modelFile(FILE)
    expect(file?.size).toBe(14690)
    expect(file?.flavors).toEqual([
      { name: 'python_function', version: 'mlflow.sklearn' },
      { name: 'sklearn', version: '1.9.1' },
    ])
    expect(file).toMatchObject({ pythonVersion: '3.11.7', mlflowVersion: '3.17.2', example: 'input_example.json', created: '2026-11-21 21:51:06.141144' })
  })

  test('without a signature has none', () => expect(modelFile('flavors: {}\n')?.signature).toBeUndefined())
  test('that is no mapping is refused', () => expect(modelFile('just text')).toBeUndefined())

  test('that is hostile stays text', () => {
    const text = "flavors:\n  python_function:\n    loader_module: !!python/object/apply:os.system ['touch pwned']\nsignature:\n  inputs: '[{\"name\": \"<script>1</script>\", \"type\": \"x\"}]'\n"
    expect(modelFile(text)).toMatchObject({
      flavors: [{ name: 'python_function', version: "!!python/object/apply:os.system ['touch pwned']" }],
      signature: { inputs: [{ name: '<script>1</script>', type: 'x' }] },
    })
  })

  test('that is no YAML cannot be read', () => expect(modelFile('a: [1, 2\nb')).toBeUndefined())
  test('with a broken signature says the rest', () => expect(modelFile("model_size_bytes: 3\nsignature:\n  inputs: '{'\n")).toMatchObject({ size: 3, signature: { inputs: [], outputs: [] } }))
})

test.each([
  [{ type: 'array', items: { type: 'string' } }, 'array<string>'],
  [{ type: 'map', values: { type: 'double' } }, 'map<double>'],
  [{ type: 'object', properties: { a: { type: 'long' }, b: { type: 'array', items: { type: 'boolean' } } } }, '{a: long, b: array<boolean>}'],
  [{}, 'any'],
])('the type %j is %s', (said, text) => expect(typeText(said)).toBe(text))

test('signatures stand side by side', () => {
  const one = modelFile(FILE)?.signature
  const other = modelFile(FILE.replace('"long", "name": "tenure"', '"double", "name": "tenure"').replace(/^    "name": "calls".*$/m, '    "name": "days"}]\''))?.signature
  expect(signatureRows([one, other, undefined])).toEqual([
    { what: 'takes tenure', types: ['long', 'double', undefined], differs: true },
    { what: 'takes calls', types: ['long, optional', undefined, undefined], differs: true },
    { what: 'takes days', types: [undefined, 'long', undefined], differs: true },
    { what: 'gives', types: ['bool[-1]', 'bool[-1]', undefined], differs: true },
  ])
  expect(signatureRows([one, one]).some((row) => row.differs)).toBe(false)
})
