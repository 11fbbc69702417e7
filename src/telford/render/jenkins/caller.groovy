<<heading>>
@Library('telford') _

telfordService(
  <<said>>
)
