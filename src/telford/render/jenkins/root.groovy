<<heading>>
@Library('telford') _

telfordEstate()
