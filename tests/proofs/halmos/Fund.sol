// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Anything, Base} from "./Base.sol";
import {Slots} from "./Generated.sol";

interface IInsuranceFund {
    function reap() external returns (uint256);
    function recapitalise(uint256 amount) external;
    function collect(address book, uint256 kind) external returns (uint256);
    function start_auction(address book, uint256 kind) external returns (uint256);
    function buy(address token, uint256 amount, uint256 max_price, address receiver)
        external
        returns (uint256, uint256);
    function add_book(address book) external;
    function accept_book(address book) external;
    function retire_book(address book) external;
    function add_reserve(address reserve) external;
    function remove_reserve(address reserve) external;
    function set_treasury(address treasury) external;
    function set_buffer(uint256 bps) external;
    function set_reaping_paused(bool paused) external;
    function set_auction(uint256 duration, uint256 start_factor, uint256 end_factor) external;
}

/// A book or a reserve in which there is nothing.
contract Empty {
    address public immutable coin;

    constructor(address coin_) {
        coin = coin_;
    }

    fallback() external {
        assembly {
            mstore(0, 0)
            return(0, 32)
        }
    }
}

/// The insurance fund: nobody but the governor sets anything.
abstract contract FundChecks is Base {
    address part; // something that a control adds and removes

    function setUp() public {
        address any = address(new Anything());
        part = address(new Empty(any));
        deploy(abi.encode(GOVERNOR, any, address(0x7E), uint256(300)), !narrow(), Slots.FUND_GOVERNOR);
        // lists of one: a path for each length would show nothing more, since nobody comes to the lists
        if (!narrow()) {
            vm.store(target, bytes32(Slots.FUND_BOOKS), bytes32(uint256(1)));
            vm.store(target, bytes32(Slots.FUND_RESERVES), bytes32(uint256(1)));
        }
    }

    /// Let a control begin with the part known, as the only one of a list.
    function known(uint256 list) internal returns (address) {
        vm.store(target, bytes32(list), bytes32(uint256(1)));
        vm.store(target, bytes32(list + 1), bytes32(uint256(uint160(part))));
        return part;
    }

    function check_only_the_governor_adds_a_book(address book) public {
        if (narrow()) book = part;
        refused(abi.encodeCall(IInsuranceFund.add_book, (book)));
    }

    function check_only_the_governor_accepts_a_book(address book) public {
        if (narrow()) book = known(Slots.FUND_BOOKS);
        refused(abi.encodeCall(IInsuranceFund.accept_book, (book)));
    }

    function check_only_the_governor_retires_a_book(address book) public {
        if (narrow()) book = known(Slots.FUND_BOOKS);
        refused(abi.encodeCall(IInsuranceFund.retire_book, (book)));
    }

    function check_only_the_governor_adds_a_reserve(address reserve) public {
        if (narrow()) reserve = part;
        refused(abi.encodeCall(IInsuranceFund.add_reserve, (reserve)));
    }

    function check_only_the_governor_removes_a_reserve(address reserve) public {
        if (narrow()) reserve = known(Slots.FUND_RESERVES);
        refused(abi.encodeCall(IInsuranceFund.remove_reserve, (reserve)));
    }

    function check_only_the_governor_sets_the_treasury(address treasury) public {
        refused(abi.encodeCall(IInsuranceFund.set_treasury, (treasury)));
    }

    function check_only_the_governor_sets_the_buffer(uint256 bps) public {
        refused(abi.encodeCall(IInsuranceFund.set_buffer, (bps)));
    }

    function check_only_the_governor_pauses_reaping(bool paused) public {
        refused(abi.encodeCall(IInsuranceFund.set_reaping_paused, (paused)));
    }

    function check_only_the_governor_sets_the_auction(uint256 duration, uint256 start, uint256 end) public {
        refused(abi.encodeCall(IInsuranceFund.set_auction, (duration, start, end)));
    }
}
