// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// What halmos offers to a test.
interface Vm {
    function assume(bool condition) external;
    function prank(address sender) external;
    function store(address target, bytes32 slot, bytes32 word) external;
    function warp(uint256 time) external;
}

interface Svm {
    function enableSymbolicStorage(address target) external;
    function createUint256(string calldata name) external returns (uint256);
    function createAddress(string calldata name) external returns (address);
}

interface IGoverned {
    function pending_governor() external view returns (address);
    function propose_governor(address pending) external;
    function accept_governor() external;
}

/// Answers every call with one word of which nothing is known: any token, any hub, any coin.
contract Anything {
    Svm constant svm = Svm(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

    fallback() external {
        uint256 word = svm.createUint256("answer");
        assembly {
            mstore(0, word)
            return(0, 32)
        }
    }
}

/// Answers every call with zero: nobody is anybody's operator.
contract Nobody {
    fallback() external {
        assembly {
            mstore(0, 0)
            return(0, 32)
        }
    }
}

/// Names no desk for listings; answers everything else with a word of which nothing is known.
contract Hub {
    Svm constant svm = Svm(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

    function listings() external pure returns (address) {
        return address(0);
    }

    fallback() external {
        uint256 word = svm.createUint256("answer");
        assembly {
            mstore(0, word)
            return(0, 32)
        }
    }
}

/// A contract of the system in every state of its storage, and somebody who is nothing in it.
abstract contract Base {
    Vm constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Svm constant svm = Svm(0xF3993A62377BCd56AE39D773740A5390411E8BC9);
    address constant GOVERNOR = address(0x60);

    address target;
    address stranger;

    /// The creation code, of the artifact or of a weakened copy.
    function made() internal pure virtual returns (bytes memory);

    /// A control looks for one counterexample: it begins in one state instead of in all.
    function narrow() internal pure virtual returns (bool) {
        return false;
    }

    /// Deploy, in every state of storage (a control may look at a new contract) under one governor.
    function deploy(bytes memory arguments, bool in_every_state, uint256 governor_slot) internal {
        bytes memory code = abi.encodePacked(made(), arguments);
        address found;
        assembly {
            found := create(0, add(code, 32), mload(code))
        }
        require(found != address(0));
        target = found;
        if (in_every_state) svm.enableSymbolicStorage(found);
        vm.store(found, bytes32(governor_slot), bytes32(uint256(uint160(GOVERNOR))));
        stranger = svm.createAddress("stranger");
        vm.assume(stranger != found && stranger != address(this) && stranger != address(0));
        vm.assume(stranger != GOVERNOR);
    }

    /// Call as the stranger; the check fails when he is not refused.
    function refused(bytes memory data) internal {
        vm.assume(stranger != GOVERNOR); // said again where a path begins, halmos finds it sooner
        vm.prank(stranger);
        (bool done,) = target.call(data);
        assert(!done);
    }

    /// Call as the stranger, whatever comes of it.
    function tried(bytes memory data) internal returns (bool done) {
        vm.prank(stranger);
        (done,) = target.call(data);
    }

    function check_only_the_governor_proposes_another(address pending) public {
        refused(abi.encodeCall(IGoverned.propose_governor, (pending)));
    }

    function check_only_the_proposed_governor_accepts() public {
        vm.assume(IGoverned(target).pending_governor() != stranger);
        refused(abi.encodeCall(IGoverned.accept_governor, ()));
    }
}
