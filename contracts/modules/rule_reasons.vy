# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Rule reasons: why an act is refused, at a fifth of the bytes
@notice As in reasons.vy: a reason is its own text read as one big-endian number. Their list is in IGovernanceRules.
"""
from . import reasons

ALREADY_REGISTERED: constant(uint256) = 8486794289397061505921337652049573898773860  # already registered
BAD_FACTORS: constant(uint256) = 118934646880139922283393651  # bad factors
BAD_LENGTH: constant(uint256) = 464588464382161004754024  # bad length
BAD_LEVELS: constant(uint256) = 464588464382161138838643  # bad levels
BAD_PAUSES: constant(uint256) = 464588464386541989619059  # bad pauses
BAD_ROLE: constant(uint256) = 7089057378979507301  # bad role
BOUNDS_TOO_TIGHT: constant(uint256) = 130843070326328305940826340069757905012  # bounds too tight
BOUNDS_TOO_WIDE: constant(uint256) = 511105743462219945081352890947822693  # bounds too wide
CAP_TOO_LARGE: constant(uint256) = 7873743687820216168584165091173  # cap too large
COINS_OUTSTANDING: constant(uint256) = 33836046064061513058236830334880737488487  # coins outstanding
DIRTY_WORD: constant(uint256) = 474181803764701996216932  # dirty word
GOVERNED_BY_ANOTHER: constant(uint256) = 2306686507352564755932583685179756781771449714  # governed by another
MAY_STILL_MINT: constant(uint256) = 2218505265478949891786390947589748  # may still mint
NEEDS_A_PRICE: constant(uint256) = 8746478438429171101968085115749  # needs a price
NOTHING_CHANGES: constant(uint256) = 573413224685587624359575855565333875  # nothing changes
NOT_A_FUND: constant(uint256) = 521516269502742173937252  # not a fund
NOT_A_MINTER: constant(uint256) = 34178090238131718756194608498  # not a minter
NOT_A_MODEL: constant(uint256) = 133508164992702026491389292  # not a model
NOT_A_PEG: constant(uint256) = 2037172927745087268199  # not a peg
NOT_A_VAULT: constant(uint256) = 133508164992702064912329844  # not a vault
NOT_ITS_SETTLEMENT: constant(uint256) = 9620277153961740929170583879457386030001780  # not its settlement
NOT_LISTED_ELSEWHERE: constant(uint256) = 630474483565967228906865504818320958624733950565  # not listed elsewhere
NOT_REGISTERED: constant(uint256) = 2239895321927752943615773120816484  # not registered
NOT_RETIRED: constant(uint256) = 133508164997562997362812260  # not retired
NO_CODE: constant(uint256) = 31084432336053349  # no code
NO_PRICE_EXPECTED: constant(uint256) = 37578773103029331980204869723097379661156  # no price expected
NO_RULE: constant(uint256) = 31084432588106853  # no rule
OUT_OF_BOUNDS: constant(uint256) = 8830676173798189176940825306227  # out of bounds
PRICE_DEVIATES: constant(uint256) = 2280694502222857149947024843761011  # price deviates
PRICE_IS_MOVING: constant(uint256) = 583857792569051523604762655294320231  # price is moving
PRICE_IS_STALE: constant(uint256) = 2280694502222857514081129974557797  # price is stale
RETIRED: constant(uint256) = 32199698004731236  # retired
SEQUENCER_IS_DOWN: constant(uint256) = 39267313334105345791960294937153007220590  # sequencer is down
STEP_TOO_LARGE: constant(uint256) = 2341698964810544094041883209262949  # step too large
THE_ZERO_ADDRESS: constant(uint256) = 154732497480888845711066483993461748595  # the zero address
UNKNOWN_KIND: constant(uint256) = 36343235319642506956064255588  # unknown kind
UNKNOWN_MODEL: constant(uint256) = 9303868241828481780761139373420  # unknown model


@internal
@pure
def check(holds: bool, reason: uint256):
    """
    @notice Revert with `reason` as text unless something holds.
    """
    if not holds:
        reasons.fail(reason)
