// Made by telford of architecture/shop. Change the estate, not this file.
// One script of the road, by its name: resources/telford/NAME.sh. It reads nothing but its
// environment, and the commit that was checked out.
def call(String name) {
  withEnv(["COMMIT=${env.GIT_COMMIT}"]) {
    sh(label: name, script: libraryResource("telford/${name}.sh"))
  }
}
