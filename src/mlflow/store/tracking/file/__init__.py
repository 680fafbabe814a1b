"""The tracking store in a folder, in MLflow's layout.

    mlruns/
      <experiment id>/                18 random digits; 0 is Default
        meta.yaml                     what the experiment is
        tags/<key>                    a file a tag
        datasets/<id>/meta.yaml       datasets that its runs read
        models/<model id>/metrics/    what runs measured of logged models
        <run id>/
          meta.yaml                   what the run is
          params/<key>  tags/<key>    a file each; a key with slashes is a file in folders
          metrics/<key>               a line a point: timestamp value step [dataset digest]
          inputs/<id>/  outputs/<id>/ which datasets and models
          artifacts/
      .trash/<experiment id>/         deleted experiments
      models/                         of the model registry; left alone

Writers exclude each other by locks on the folders; readers need none. Files appear whole, under
their names, when their content is on disk; metrics are appended in whole lines.
"""
