<<heading>>
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
      ESTATE = '<<estate>>'
      OUT = '<<out>>'
      LOCK = '<<lock>>'
    }

    stages {
      // <<summary.check>>.
      stage('Check') {
        agent {
          docker {
            image '<<python>>'
          }
        }
        options { timeout(time: <<minutes.check>>, unit: 'MINUTES') }
        environment { PIPELINES = '<<pipelines>>' }
        steps { telfordStage('check') }
      }

      // <<summary.plan>>.
      stage('Plan') {
        when {
          beforeAgent true
          changeRequest()
        }
        agent {
          docker {
            image '<<python>>'
          }
        }
        options { timeout(time: <<minutes.plan>>, unit: 'MINUTES') }
        environment {
          BASE = '.base'
          COMMENT_BYTES = '<<comment_bytes>>'
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

      // <<summary.comment>>. It runs nothing of the change, so it may write.
      stage('Comment') {
        when {
          beforeAgent true
          allOf { changeRequest(); expression { said.commentUrl } }
        }
        agent {
          docker {
            image '<<python>>'
          }
        }
        options {
          timeout(time: <<minutes.comment>>, unit: 'MINUTES')
          skipDefaultCheckout()
        }
        environment { COMMENT_URL = "${said.commentUrl.replace('CHANGE_ID', env.CHANGE_ID)}" }
        steps {
          unstash('plan')
          withCredentials([string(credentialsId: '<<credential.comment>>', variable: 'COMMENT_TOKEN')]) {
            telfordStage('comment')
          }
        }
      }
    }
  }
}
