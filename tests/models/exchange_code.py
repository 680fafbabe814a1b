import mlflow


class Tripler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input * 3


mlflow.models.set_model(Tripler())
