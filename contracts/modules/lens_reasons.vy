# pragma version 0.4.3
# SPDX-License-Identifier: MIT
"""
@title Reasons as numbers: a text read as one big-endian number
"""

ABOVE_BALANCE: constant(uint256) = 7715596044716809451885034365797  # above balance
ABOVE_CAP: constant(uint256) = 1796427193264665485680  # above cap
ABOVE_CEILING: constant(uint256) = 7715596044716809737745356910183  # above ceiling
ABSORB_INSTEAD: constant(uint256) = 1975193816987665263599479435911524  # absorb instead
ACCOUNT_IS_COVERED: constant(uint256) = 8483711862004243797591228792200073030296932  # account is covered
ALREADY_CALLED: constant(uint256) = 1975985776958302945329441858676068  # already called
BELOW_DEBT_FLOOR: constant(uint256) = 130790964901064882500633431881561370482  # below debt floor
BELOW_INITIAL_MARGIN: constant(uint256) = 561742916862357648041571509811527695518629587310  # below initial margin
BORROWING_PAUSED: constant(uint256) = 130843009799421660475659848520758945124  # borrowing paused
CALLING_PAUSED: constant(uint256) = 2015677237968333289977094629188964  # calling paused
DEBT_TOO_LARGE: constant(uint256) = 2036273474698728887042081805199205  # debt too large
GAS_TOO_LOW: constant(uint256) = 124979552683330266767060855  # gas too low
ISOLATED_ONLY: constant(uint256) = 8354682542706488899106885233785  # isolated only
KIND_IS_FROZEN: constant(uint256) = 2178570949051449731552878647731566  # kind is frozen
KIND_NOT_ENABLED: constant(uint256) = 142774825717041836891160406952342480228  # kind not enabled
LEAVES_DUST: constant(uint256) = 131042745398676586946196340  # leaves dust
LEGS_NOT_ASCENDING: constant(uint256) = 9442632907944612698903089506287477762649703  # legs not ascending
MARGIN_MODEL_FAILED: constant(uint256) = 2439270048022956023555575529033545470943454564  # margin model failed
NOTHING_TO_CHANGE: constant(uint256) = 37579209092994670550343244014777162164069  # nothing to change
NOTHING_TO_TAKE: constant(uint256) = 573413224685587624364368347678206821  # nothing to take
NOT_ABSORBABLE: constant(uint256) = 2239895321847418239553569449733221  # not absorbable
NOT_CURABLE: constant(uint256) = 133508164993358456172997733  # not curable
NOT_IN_AUCTION: constant(uint256) = 2239895321885412547627759453171566  # not in auction
PRICE_CONFIRMING: constant(uint256) = 149467594897677161640451881638575042151  # price confirming
PRICE_FAILED: constant(uint256) = 34800636325422016798737065316  # price failed
SAME_ACCOUNT: constant(uint256) = 35708558537358341529966833268  # same account
TAKING_PAUSED: constant(uint256) = 9220616750555086010208939631972  # taking paused
TOO_MANY_KINDS: constant(uint256) = 2361588232100928748858929780253811  # too many kinds
UNKNOWN_ACCOUNT: constant(uint256) = 609738309096471381980571131989814900  # unknown account
UNKNOWN_KIND: constant(uint256) = 36343235319642506956064255588  # unknown kind
UNKNOWN_MODEL: constant(uint256) = 9303868241828481780761139373420  # unknown model
WITHDRAWING_PAUSED: constant(uint256) = 10402246406889855362773032018477630291666276  # withdrawing paused
ZERO_AMOUNT: constant(uint256) = 147968019944086256483659380  # zero amount


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
