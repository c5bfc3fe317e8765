// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../support/Base.sol";
import {StakeHandler} from "./StakeHandler.sol";

/// @notice What holds after any sequence of calls. tools/mutants shows for each that it fails when it should.
contract StakeInvariantTest is Base {
    StakeHandler private handler;

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() public override {
        super.setUp();
        handler = new StakeHandler(token, ledger, stake);
        token.transfer(address(handler), 10 * FUNDS);
        handler.begin();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function excludeSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0].addr = address(handler);
        list[0].selectors = new bytes4[](2);
        list[0].selectors[0] = StakeHandler.begin.selector;
        list[0].selectors[1] = Base.setUp.selector;
    }

    function amountOf(address who) private view returns (uint256 x) {
        (x,,,) = stake.stakers(who);
    }

    /// @notice Every coin is at stake or claimed; what is neither was taken out or burned.
    function invariant_MoneyIsConserved() external view {
        uint256 here = amountOf(handler.thief()) + amountOf(provider) + handler.claimsOpen();
        vm.assertEq(token.balanceOf(address(stake)), here, "the books do not match the balance");
        uint256 out = handler.unstaked() + handler.claimed() + token.balanceOf(stake.BURN());
        vm.assertEq(handler.staked() + handler.HONEST(), here + out, "the books do not match what went in and out");
    }

    /// @notice Of what a thief's stake lost by slashing itself, at least 95 % is gone.
    function invariant_ASelfSlashingThiefLoses95Percent() external view {
        uint256 slashed = handler.staked() - handler.unstaked() - amountOf(handler.thief());
        uint256 kept = handler.claimed() + handler.claimsOpen();
        vm.assertLe(kept * 100, slashed * 5, "the thief keeps more than 5 %");
        vm.assertGe(token.balanceOf(stake.BURN()) * 100, slashed * 95, "less than 95 % is burned");
    }

    function invariant_NothingComesOutBeforeItsDelay() external view {
        vm.assertTrue(!handler.tooSoon(), "money came out too soon");
    }

    function invariant_AnAttemptIsSlashedOnce() external view {
        vm.assertTrue(!handler.slashedTwice(), "one attempt was slashed twice");
    }

    function invariant_TheHonestStakeIsUntouched() external view {
        vm.assertEq(amountOf(provider), handler.HONEST(), "an honest staker lost something");
    }
}
