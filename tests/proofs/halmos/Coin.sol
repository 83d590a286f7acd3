// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Base} from "./Base.sol";
import {Slots} from "./Generated.sol";

interface IStablecoin {
    function balanceOf(address holder) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function is_minter(address minter) external view returns (bool);
    function minted(address minter) external view returns (uint256);
    function ceiling(address minter) external view returns (uint256);
    function burned_beyond() external view returns (uint256);
    function flash_fee_bps() external view returns (uint256);
    function flash_ceiling() external view returns (uint256);
    function mint(address receiver, uint256 amount) external returns (bool);
    function burn(address holder, uint256 amount) external returns (bool);
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address owner, address to, uint256 amount) external returns (bool);
    function approve(address spender, uint256 amount) external returns (bool);
    function set_ceiling(address minter, uint256 most) external;
    function set_flash(uint256 fee_bps, uint256 most) external;
}

/// The stablecoin: who mints, who moves whose coins, and that coins are conserved.
abstract contract CoinChecks is Base {
    // no balance passes it: 32 minters with less than 2**120 each, and a flash loan below 2**113
    uint256 constant MOST = 2 ** 126;

    IStablecoin coin;

    function setUp() public {
        deploy(abi.encode("Coin", "C", GOVERNOR), true, Slots.COIN_GOVERNOR);
        coin = IStablecoin(target);
    }

    function check_only_minters_mint(address receiver, uint256 amount) public {
        vm.assume(!coin.is_minter(stranger));
        refused(abi.encodeCall(IStablecoin.mint, (receiver, amount)));
    }

    function check_a_mint_stays_under_its_ceiling_and_is_booked(address receiver, uint256 amount) public {
        vm.assume(coin.is_minter(stranger));
        uint256 before = coin.balanceOf(receiver);
        uint256 outstanding = coin.minted(stranger);
        uint256 most = coin.ceiling(stranger);
        vm.assume(before < MOST && outstanding < MOST);
        vm.prank(stranger);
        try coin.mint(receiver, amount) returns (bool minted) {
            uint256 added = minted ? amount : 0;
            assert(coin.balanceOf(receiver) == before + added);
            assert(coin.minted(stranger) == outstanding + added);
            assert(!minted || coin.minted(stranger) <= most);
            assert(coin.ceiling(stranger) == most && coin.is_minter(stranger));
        } catch {}
    }

    function check_only_minters_burn_of_others(address holder, uint256 amount) public {
        vm.assume(!coin.is_minter(stranger) && holder != stranger);
        refused(abi.encodeCall(IStablecoin.burn, (holder, amount)));
    }

    function check_a_burn_is_booked(address holder, uint256 amount) public {
        uint256 before = coin.balanceOf(holder);
        uint256 outstanding = coin.minted(stranger);
        uint256 beyond = coin.burned_beyond();
        uint256 most = coin.ceiling(stranger);
        vm.assume(before < MOST && beyond < MOST);
        vm.prank(stranger);
        try coin.burn(holder, amount) {
            assert(amount <= before && coin.balanceOf(holder) == before - amount);
            assert(outstanding - coin.minted(stranger) + coin.burned_beyond() - beyond == amount);
            assert(coin.ceiling(stranger) == most);
        } catch {}
    }

    function check_a_transfer_conserves(address to, uint256 amount) public {
        uint256 mine = coin.balanceOf(stranger);
        uint256 theirs = coin.balanceOf(to);
        vm.assume(mine < MOST && theirs < MOST);
        vm.prank(stranger);
        try coin.transfer(to, amount) {
            assert(amount <= mine);
            assert(coin.balanceOf(stranger) == (to == stranger ? mine : mine - amount));
            assert(coin.balanceOf(to) == (to == stranger ? theirs : theirs + amount));
        } catch {}
    }

    function check_a_transfer_touches_nobody_else(address to, address other, uint256 amount) public {
        vm.assume(other != to && other != stranger);
        uint256 before = coin.balanceOf(other);
        tried(abi.encodeCall(IStablecoin.transfer, (to, amount)));
        assert(coin.balanceOf(other) == before);
    }

    function check_nobody_moves_more_than_he_was_allowed(address owner, address to, uint256 amount) public {
        uint256 allowed = coin.allowance(owner, stranger);
        uint256 before = coin.balanceOf(owner);
        vm.assume(before < MOST && coin.balanceOf(to) < MOST);
        bool done = tried(abi.encodeCall(IStablecoin.transferFrom, (owner, to, amount)));
        assert(!done || amount <= allowed);
        if (to != owner) assert(coin.balanceOf(owner) == (done ? before - amount : before));
        uint256 left = done && allowed != type(uint256).max ? allowed - amount : allowed;
        assert(coin.allowance(owner, stranger) == left);
    }

    function check_nobody_allows_for_another(address owner, address spender, address named, uint256 amount) public {
        vm.assume(owner != stranger);
        uint256 before = coin.allowance(owner, spender);
        tried(abi.encodeCall(IStablecoin.approve, (named, amount)));
        assert(coin.allowance(owner, spender) == before);
    }

    function check_only_the_governor_sets_a_ceiling(address minter, uint256 most) public {
        refused(abi.encodeCall(IStablecoin.set_ceiling, (minter, most)));
    }

    function check_only_the_governor_sets_flash_terms(uint256 fee_bps, uint256 most) public {
        refused(abi.encodeCall(IStablecoin.set_flash, (fee_bps, most)));
    }

    function check_a_minters_word_keeps_its_fields(address minter, uint256 most) public {
        uint256 outstanding = coin.minted(minter);
        vm.assume(coin.is_minter(minter));
        vm.prank(GOVERNOR);
        try coin.set_ceiling(minter, most) {
            assert(coin.ceiling(minter) == most);
            assert(coin.minted(minter) == outstanding);
            assert(coin.is_minter(minter));
        } catch {}
    }

    function check_flash_terms_keep_their_fields(uint256 fee_bps, uint256 most) public {
        vm.prank(GOVERNOR);
        try coin.set_flash(fee_bps, most) {
            assert(coin.flash_fee_bps() == fee_bps && fee_bps <= 100);
            assert(coin.flash_ceiling() == most && most <= 2 ** 112);
        } catch {}
    }
}
