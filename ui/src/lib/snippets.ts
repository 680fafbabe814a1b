/** Code to copy. */

/** A text as a literal of Python. */
export function py(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => c)
}

/** A text as one word of a shell. */
export function sh(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function begin(server: string): string {
  return `import mlflow\n\nmlflow.set_tracking_uri(${py(server)})\n`
}

export function loadRun(server: string, run: string): string {
  return `${begin(server)}run = mlflow.get_run(${py(run)})\nrun.data.params, run.data.metrics\n`
}

export function downloadFiles(server: string, uri: string): string {
  return `${begin(server)}path = mlflow.artifacts.download_artifacts(${py(uri)})\n`
}

export function loadModel(server: string, uri: string): string {
  return `${begin(server)}model = mlflow.pyfunc.load_model(${py(uri)})\nmodel.predict(data)\n`
}

/** The model as it was given: for those whose flavor is not plain Python. */
export function loadFlavor(server: string, uri: string, flavor: string): string {
  return `${begin(server)}model = mlflow.${flavor}.load_model(${py(uri)})\n`
}

export function serveModel(server: string, uri: string): string {
  return `export MLFLOW_TRACKING_URI=${sh(server)}\nmlflow models serve --model-uri ${sh(uri)} --port 5001\n`
}

export function askModel(example: string): string {
  return `curl http://127.0.0.1:5001/invocations \\\n  -H 'Content-Type: application/json' \\\n  -d ${sh(example)}\n`
}
