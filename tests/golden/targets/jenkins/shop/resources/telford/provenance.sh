#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# Who made it, of which commit, by which run.
set -eu
cat > provenance.json <<END
{
  "buildDefinition": {
    "buildType": "$BUILD_TYPE",
    "externalParameters": {"source": "$SOURCE", "dockerfile": "$DOCKERFILE", "target": "$TARGET"},
    "resolvedDependencies": [
      {"uri": "git+$REPOSITORY", "digest": {"gitCommit": "$COMMIT"}}
    ]
  },
  "runDetails": {
    "builder": {"id": "$BUILDER"},
    "metadata": {"invocationId": "$RUN"}
  }
}
END
