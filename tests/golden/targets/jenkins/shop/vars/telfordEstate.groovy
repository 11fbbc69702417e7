// Made by telford of architecture/shop. Change the estate, not this file.
// The pipeline of the estate itself. `commentUrl`, where it is said, is where a comment on a change
// is posted, CHANGE_ID standing for its number:
// https://api.github.com/repos/OWNER/NAME/issues/CHANGE_ID/comments, or
// https://gitlab.example.com/api/v4/projects/ID/merge_requests/CHANGE_ID/notes
def call(Map said = [:]) {
  pipeline {
    agent none

    options {
      timeout(time: 1, unit: 'HOURS')
      disableConcurrentBuilds(abortPrevious: true)
      buildDiscarder(logRotator(numToKeepStr: '50'))
    }

    environment {
      ESTATE = 'estate'
      OUT = 'deploy'
      LOCK = 'estate/telford.lock'
    }

    stages {
      // Nothing is wrong in the estate, and what is committed is what it says.
      stage('Check') {
        agent {
          docker {
            image 'docker.io/library/python@sha256:7777777777777777777777777777777777777777777777777777777777777777'
          }
        }
        options { timeout(time: 10, unit: 'MINUTES') }
        environment { PIPELINES = 'jenkins' }
        steps { telfordStage('check') }
      }

      // What the change would do to what was built before it.
      stage('Plan') {
        when {
          beforeAgent true
          changeRequest()
        }
        agent {
          docker {
            image 'docker.io/library/python@sha256:7777777777777777777777777777777777777777777777777777777777777777'
          }
        }
        options { timeout(time: 10, unit: 'MINUTES') }
        environment {
          BASE = '.base'
          COMMENT_BYTES = '60000'
        }
        steps {
          // What was built before the change, by the same credentials as the change itself.
          dir('.base') {
            checkout(scmGit(
              branches: [[name: "origin/${env.CHANGE_TARGET}"]],
              userRemoteConfigs: scm.userRemoteConfigs.collect { remote ->
                [
                  url: remote.url,
                  credentialsId: remote.credentialsId,
                  refspec: "+refs/heads/${env.CHANGE_TARGET}:refs/remotes/origin/${env.CHANGE_TARGET}",
                ]
              }
            ))
          }
          telfordStage('plan')
          stash(name: 'plan', includes: 'plan.md')
          archiveArtifacts(artifacts: 'plan.json,plan.md')
        }
      }

      // The plan, said on the change. It runs nothing of the change, so it may write.
      stage('Comment') {
        when {
          beforeAgent true
          allOf { changeRequest(); expression { said.commentUrl } }
        }
        agent {
          docker {
            image 'docker.io/library/python@sha256:7777777777777777777777777777777777777777777777777777777777777777'
          }
        }
        options {
          timeout(time: 5, unit: 'MINUTES')
          skipDefaultCheckout()
        }
        environment { COMMENT_URL = "${said.commentUrl.replace('CHANGE_ID', env.CHANGE_ID)}" }
        steps {
          unstash('plan')
          withCredentials([string(credentialsId: 'telford-comment', variable: 'COMMENT_TOKEN')]) {
            telfordStage('comment')
          }
        }
      }
    }
  }
}
