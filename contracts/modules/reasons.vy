# pragma version 0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Reasons: reverts with a reason at a fifth of the bytes
@notice An `assert` with a reason costs about 124 bytes of code each time; a call of `fail` about 25, and nothing on
        the path that does not fail. A reason is its own text read as one big-endian number, so that a function can
        also return why it did nothing. `tests/unit/vault/test_reasons.py` holds each number against its text.
"""

UNKNOWN_ACCOUNT: constant(uint256) = 609738309096471381980571131989814900  # unknown account
NOT_AUTHORISED: constant(uint256) = 2239895321847768797775009452090724  # not authorised
UNKNOWN_KIND: constant(uint256) = 36343235319642506956064255588  # unknown kind
KIND_NOT_ENABLED: constant(uint256) = 142774825717041836891160406952342480228  # kind not enabled
KIND_IS_FROZEN: constant(uint256) = 2178570949051449731552878647731566  # kind is frozen
ISOLATED_ONLY: constant(uint256) = 8354682542706488899106885233785  # isolated only
TOO_MANY_KINDS: constant(uint256) = 2361588232100928748858929780253811  # too many kinds
PRICE_FAILED: constant(uint256) = 34800636325422016798737065316  # price failed
ZERO_AMOUNT: constant(uint256) = 147968019944086256483659380  # zero amount
BAD_RECEIVER: constant(uint256) = 30447269602181637068385838450  # bad receiver
LEGS_NOT_ASCENDING: constant(uint256) = 9442632907944612698903089506287477762649703  # legs not ascending
NOTHING_TO_CHANGE: constant(uint256) = 37579209092994670550343244014777162164069  # nothing to change
SAME_ACCOUNT: constant(uint256) = 35708558537358341529966833268  # same account
ABOVE_BALANCE: constant(uint256) = 7715596044716809451885034365797  # above balance
ABOVE_CAP: constant(uint256) = 1796427193264665485680  # above cap
ABOVE_CEILING: constant(uint256) = 7715596044716809737745356910183  # above ceiling
BELOW_INITIAL_MARGIN: constant(uint256) = 561742916862357648041571509811527695518629587310  # below initial margin
MARGIN_MODEL_FAILED: constant(uint256) = 2439270048022956023555575529033545470943454564  # margin model failed
GAS_TOO_LOW: constant(uint256) = 124979552683330266767060855  # gas too low
UNKNOWN_MODEL: constant(uint256) = 9303868241828481780761139373420  # unknown model
BELOW_DEBT_FLOOR: constant(uint256) = 130790964901064882500633431881561370482  # below debt floor
DEBT_TOO_LARGE: constant(uint256) = 2036273474698728887042081805199205  # debt too large
BORROWING_PAUSED: constant(uint256) = 130843009799421660475659848520758945124  # borrowing paused
WITHDRAWING_PAUSED: constant(uint256) = 10402246406889855362773032018477630291666276  # withdrawing paused
CALLING_PAUSED: constant(uint256) = 2015677237968333289977094629188964  # calling paused
TAKING_PAUSED: constant(uint256) = 9220616750555086010208939631972  # taking paused
CALLBACKS_PAUSED: constant(uint256) = 132099423465310561881772213341848298852  # callbacks paused
ACCOUNT_IS_COVERED: constant(uint256) = 8483711862004243797591228792200073030296932  # account is covered
ALREADY_CALLED: constant(uint256) = 1975985776958302945329441858676068  # already called
ABSORB_INSTEAD: constant(uint256) = 1975193816987665263599479435911524  # absorb instead
NOT_IN_AUCTION: constant(uint256) = 2239895321885412547627759453171566  # not in auction
NOTHING_TO_TAKE: constant(uint256) = 573413224685587624364368347678206821  # nothing to take
LEAVES_DUST: constant(uint256) = 131042745398676586946196340  # leaves dust
ABOVE_MAX_PRICE: constant(uint256) = 505649302386561027156228663308542821  # above max price
NOT_CURABLE: constant(uint256) = 133508164993358456172997733  # not curable
NOT_ABSORBABLE: constant(uint256) = 2239895321847418239553569449733221  # not absorbable
PRICE_CONFIRMING: constant(uint256) = 149467594897677161640451881638575042151  # price confirming
NOT_FUND: constant(uint256) = 7957706749093703268  # not fund
NOT_SETTLEMENT: constant(uint256) = 2239895321932476249935829130374772  # not settlement
NOT_SETTLEABLE: constant(uint256) = 2239895321932476249935828928851045  # not settleable
SHUT_DOWN: constant(uint256) = 2128902618511290890094  # shut down
NOT_MARGIN_MODELS: constant(uint256) = 37579207632974082065621403168341942955123  # not margin models
ALREADY_LISTED: constant(uint256) = 1975985776958302945339371941029220  # already listed
THE_COIN_ITSELF: constant(uint256) = 604423818256963817279800286172769382  # the coin itself
BAD_DECIMALS: constant(uint256) = 30447269601172830769100450931  # bad decimals
BAD_LEVELS: constant(uint256) = 464588464382161138838643  # bad levels
BAD_FACTORS: constant(uint256) = 118934646880139922283393651  # bad factors
TOKEN_NOT_PRICED: constant(uint256) = 154768970716302170015887108669291324772  # token not priced
RATE_TOO_HIGH: constant(uint256) = 9062171285531580881323248150376  # rate too high
CAP_TOO_LARGE: constant(uint256) = 7873743687820216168584165091173  # cap too large
BAD_PAUSES: constant(uint256) = 464588464386541989619059  # bad pauses
NO_CODE: constant(uint256) = 31084432336053349  # no code
SIGNATURE_EXPIRED: constant(uint256) = 39272578180827998963431511160451891357028  # signature expired
BAD_SIGNATURE: constant(uint256) = 7794501018177235199717755155045  # bad signature
NOT_GOVERNOR: constant(uint256) = 34178090238586310722073816946  # not governor
NOT_PROPOSED: constant(uint256) = 34178090239235665843958539620  # not proposed


@internal
@pure
def fail(reason: uint256):
    """
    @notice Revert with `reason` as text.
    """
    raise self.text_of(reason)


@internal
@pure
def text_of(reason: uint256) -> String[32]:
    """
    @notice The text of a reason; empty for 0.
    """
    size: uint256 = 0
    for _: uint256 in range(32):
        if reason >> (8 * size) == 0:
            break
        size += 1
    if size == 0:
        return ""
    return convert(slice(convert(reason << (256 - 8 * size), bytes32), 0, size), String[32])
